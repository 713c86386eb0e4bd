"""One module for each command or small group; whatever a command needs is imported when it is called."""
