"""Gates: plain functions that judge what an agent hands over, and how a document is read for that."""
