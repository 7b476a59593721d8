"""The desk's store: conversations, tickets, feedback and figures of the customer-care chatbot, sealed key by key."""
