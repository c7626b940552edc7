"""Views: read the request, call a room, hand its answer to a template."""
