//! What is cut off an object before it is kept. (cluster)
