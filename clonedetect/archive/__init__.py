"""What the network gave, kept byte for byte, and the log of who did what with it."""
