//! Behaviour of the agent, the servers and their peers.

mod consent;
mod coturn;
mod lite;
mod misbehaviour;
mod network;
mod rfc5769;
mod rice;
mod robustness;
mod two_agents;
