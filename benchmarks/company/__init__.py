"""An invented company: its people, and the papers that hold their data, with the truth of what stands where."""
