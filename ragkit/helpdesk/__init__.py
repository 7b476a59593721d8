"""The customer-care desk: dialogue, hand-over, tickets, feedback, figures."""
