"""The pages that anybody opens in a browser: to book, to change a booking, to answer as its host."""
