//! List, lint and describe catalogs. (core)
