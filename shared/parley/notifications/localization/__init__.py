"""What is said in the reader's language: which one that is, catalogues of sentences, dates, times and numbers as people of a locale
write them.
"""
