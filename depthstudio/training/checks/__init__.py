"""What speaks against starting a run, found before hours are spent: every check says it in words, with the frames."""
