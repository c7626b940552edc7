"""Facts handed to plugins once they are committed, and the mails that they deserve."""
