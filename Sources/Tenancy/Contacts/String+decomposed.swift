@_spi(_Unicode) import Swift

extension String {
    /// The scalars in canonical decomposition (NFD).
    var decomposed: [Unicode.Scalar] { Array(_nfd) }
}
