//! CTRF JSON, the reference shape with detail under `extra`. (validate)
