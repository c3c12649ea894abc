//! Text embedding: the crate `inference` behind `functions/adapters/native/native-embed.ts`.
