"""Everything on one machine: nats-server, the services, the gateway and a mailbox under one process."""
