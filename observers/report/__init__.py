"""A run as one page: `reading` makes a value of the journal, `page` makes HTML of the value."""
