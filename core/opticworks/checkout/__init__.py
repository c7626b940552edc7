"""Checkout: the only room that brings cart, stock, order, payment and parcel together."""
