//! Tests of the context: rules by tables and properties, the store on both databases, the services through their own
//! generated clients.

mod altman;
mod cards;
mod facts;
mod forgetting;
mod fulfilment;
mod judging;
mod service;
mod store;
mod world;
