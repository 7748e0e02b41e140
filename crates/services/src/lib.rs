//! What a device asks of its network beside SIP: DNS, provisioning over HTTP and HTTPS.
