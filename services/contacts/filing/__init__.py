"""From a feed's record to a contact: taken, parked, refused or in conflict; and the loops that go with it."""
