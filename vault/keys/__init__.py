"""Where key-encryption keys are kept: one module per kind of place, all behind `vault.keys.base.KeyProvider`."""
