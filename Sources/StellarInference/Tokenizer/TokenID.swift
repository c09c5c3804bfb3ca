/// The id of a token: an index into the vocabulary and a row of the embedding matrix.
public typealias TokenID = Int32
