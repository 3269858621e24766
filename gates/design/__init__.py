"""What a design of a monitor consists of, file by file, and what each file is held against."""
