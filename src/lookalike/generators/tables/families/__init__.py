"""How families of rows are laid out as tables that a generator of single tables learns, and made by it."""
