"""Tables of records as they come: files, columns, cells, and conditions on them."""
