"""The history of a battery: `history` folds what was told, `picture` says what is shown of it, `drawing` draws it."""
