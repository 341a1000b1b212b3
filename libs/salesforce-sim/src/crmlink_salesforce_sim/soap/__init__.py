"""The few calls of the SOAP API that REST has nothing for."""
