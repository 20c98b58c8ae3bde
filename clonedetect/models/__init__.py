"""The values that travel between rooms: frozen, slotted, free of behaviour.

Import them from the module that names them (``clonedetect.models.capture``).
Arrays inside records are never written to after construction.
"""
