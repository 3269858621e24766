"""What people read: one module for each Markdown file, named as the file is."""
