"""No property here is about time: tables are built at first use, on machines of any speed."""

from hypothesis import settings

settings.register_profile("steady", deadline=None)
settings.load_profile("steady")
