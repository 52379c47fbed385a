//! Tests of the context: rules by tables and properties, the store on both databases, the services through their own
//! generated clients.

mod cards;
mod facts;
mod forgetting;
mod fulfilment;
mod index;
mod judging;
mod service;
mod store;
mod world;
