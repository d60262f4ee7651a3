"""The composition root: settings, URLs, processes and the local sandbox. It holds no business rule."""
