"""Our bus next to other ways of sending messages between agents, measured in the same rounds; each peer is optional."""
