/// Types of the wire.
public enum StellarProtocolVersion {}
