"""From a folder of documents to a battery monitor that somebody could build."""
