"""Who is at Tidewater, and which repositories they keep."""

from devcontext.sandbox.types import Person, Repository, Team

MAYA = Person("Maya Okafor", "maya-okafor", "maya@tidewater.example", 5101, "U07TDMAYA1", "Backend engineer")
TOMAS = Person("Tomás Reyes", "tomas-reyes", "tomas@tidewater.example", 5102, "U07TDTOMA2", "Engineering lead")
PRIYA = Person("Priya Nair", "priya-nair", "priya@tidewater.example", 5103, "U07TDPRIY3", "Site reliability engineer")
JONAS = Person("Jonas Lindqvist", "jlindqvist", "jonas@tidewater.example", 5104, "U07TDJONA4", "Frontend engineer")
AIKO = Person("Aiko Tanaka", "aiko-tanaka", "aiko@tidewater.example", 5105, "U07TDAIKO5", "Designer")
SAM = Person("Sam Whitfield", "sam-whitfield", "sam@tidewater.example", 5106, "U07TDSAMW6", "Product manager")
NOOR = Person("Noor Haddad", "noor-haddad", "noor@tidewater.example", 5107, "U07TDNOOR7", "Backend engineer")

PEOPLE = (MAYA, TOMAS, PRIYA, JONAS, AIKO, SAM, NOOR)
BACKEND = Team("backend", (MAYA, NOOR, TOMAS))

API = Repository("tidewater", "harbor-api", description="Berths, charges and invoices over HTTP")
WEB = Repository("tidewater", "harbor-web", description="What harbour masters see")
LEDGER = Repository("tidewater", "ledger", description="Who owes what, twice entered")
INFRA = Repository("tidewater", "infra", description="Alerts, queues and deployments")

REPOSITORIES = (API, WEB, LEDGER, INFRA)
