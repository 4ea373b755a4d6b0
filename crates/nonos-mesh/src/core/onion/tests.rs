mod hops;
mod hostile;
mod restart;
mod routes;
mod traffic;
mod world;
