"""Disparity metrics, the SGBM baseline and evaluation of networks on recordings."""
