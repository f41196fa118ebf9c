"""What all pages share: the server and who may speak to it, caches, messages, head, undo. Below all pages."""
