"""Drafts of notices: letters that a person completes, signs and sends; nothing here sends anything."""
