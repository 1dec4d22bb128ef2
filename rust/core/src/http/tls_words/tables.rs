//! The words for what a peer does wrong, one table for each kind of error.
//!
//! The names are those of rustls. A later version of it may have others, which are "for another reason".

use rustls::{AlertDescription, InvalidMessage, PeerIncompatible, PeerMisbehaved};

/// What is said of a reason that a table lacks.
pub(super) const OTHER: &str = "for another reason";

/// Functions that return the words for a variant, whatever it holds.
macro_rules! tables {
    ($($(#[$doc:meta])* fn $name:ident($kind:ident) { $($variant:ident => $words:literal,)+ })+) => {$(
        $(#[$doc])*
        pub(super) fn $name(reason: &$kind) -> &'static str {
            match reason {
                $($kind::$variant { .. } => $words,)+
                _ => OTHER,
            }
        }
    )+
        /// All of them.
        #[cfg(test)]
        pub(super) const WORDS: &[&str] = &[$($($words,)+)+];
    };
}

tables! {
    /// An alert: those of RFC 8446, section 6, and older ones.
    fn of_alert(AlertDescription) {
        CloseNotify => "close notify",
        UnexpectedMessage => "unexpected message",
        BadRecordMac => "bad record MAC",
        DecryptionFailed => "decryption failed",
        RecordOverflow => "record overflow",
        DecompressionFailure => "decompression failure",
        HandshakeFailure => "handshake failure",
        NoCertificate => "no certificate",
        BadCertificate => "bad certificate",
        UnsupportedCertificate => "unsupported certificate",
        CertificateRevoked => "certificate revoked",
        CertificateExpired => "certificate expired",
        CertificateUnknown => "certificate unknown",
        IllegalParameter => "illegal parameter",
        UnknownCA => "unknown authority",
        AccessDenied => "access denied",
        DecodeError => "decode error",
        DecryptError => "decrypt error",
        ExportRestriction => "export restriction",
        ProtocolVersion => "protocol version",
        InsufficientSecurity => "insufficient security",
        InternalError => "internal error",
        InappropriateFallback => "inappropriate fallback",
        UserCanceled => "user canceled",
        NoRenegotiation => "no renegotiation",
        MissingExtension => "missing extension",
        UnsupportedExtension => "unsupported extension",
        CertificateUnobtainable => "certificate unobtainable",
        UnrecognisedName => "unrecognised name",
        BadCertificateStatusResponse => "bad certificate status response",
        BadCertificateHashValue => "bad certificate hash value",
        UnknownPSKIdentity => "unknown pre-shared key",
        CertificateRequired => "certificate required",
        NoApplicationProtocol => "no application protocol",
        EncryptedClientHelloRequired => "encrypted client hello required",
    }

    /// What the two sides do not have in common.
    fn of_incompatible(PeerIncompatible) {
        EcPointsExtensionRequired => "it does not offer uncompressed elliptic curve points",
        ExtendedMasterSecretExtensionRequired => "it lacks the extended master secret of TLS 1.2",
        IncorrectCertificateTypeExtension => "it wants another type of certificate",
        KeyShareExtensionRequired => "it sent no key share",
        NamedGroupsExtensionRequired => "it names no groups for the key exchange",
        NoCertificateRequestSignatureSchemesInCommon => "the key of client_cert has no signature scheme that it accepts",
        NoCipherSuitesInCommon => "they have no cipher suites in common",
        NoEcPointFormatsInCommon => "they have no format of elliptic curve points in common",
        NoKxGroupsInCommon => "they have no groups for the key exchange in common",
        NoSignatureSchemesInCommon => "they have no signature schemes in common",
        NullCompressionRequired => "it requires compression",
        ServerDoesNotSupportTls12Or13 => "it supports neither TLS 1.2 nor TLS 1.3",
        ServerSentHelloRetryRequestWithUnknownExtension => "it asks for an extension that is not known",
        ServerTlsVersionIsDisabledByOurConfig => "it supports neither TLS 1.2 nor TLS 1.3",
        SignatureAlgorithmsExtensionRequired => "it names no signature algorithms",
        SupportedVersionsExtensionRequired => "it does not name the versions of TLS that it supports",
        Tls12NotOffered => "it supports neither TLS 1.2 nor TLS 1.3",
        Tls12NotOfferedOrEnabled => "it supports neither TLS 1.2 nor TLS 1.3",
        Tls13RequiredForQuic => "it requires QUIC",
        UncompressedEcPointsRequired => "it does not take uncompressed elliptic curve points",
        UnsolicitedCertificateTypeExtension => "it chose a type of certificate that was not offered",
        ServerRejectedEncryptedClientHello => "it rejected the encrypted hello",
    }

    /// Which rule of TLS the peer breaks.
    fn of_misbehaviour(PeerMisbehaved) {
        AttemptedDowngradeToTls12WhenTls13IsSupported => "attempted downgrade to TLS 1.2 when TLS 1.3 is supported",
        BadCertChainExtensions => "bad certificate chain extensions",
        CipherSuiteDifferedOnRetry => "cipher suite differed on retry",
        DisallowedEncryptedExtension => "disallowed encrypted extension",
        DuplicateClientHelloExtensions => "duplicate client hello extensions",
        DuplicateEncryptedExtensions => "duplicate encrypted extensions",
        DuplicateHelloRetryRequestExtensions => "duplicate retry request extensions",
        DuplicateNewSessionTicketExtensions => "duplicate new session ticket extensions",
        DuplicateServerHelloExtensions => "duplicate server hello extensions",
        DuplicateServerNameTypes => "duplicate server name types",
        EarlyDataAttemptedInSecondClientHello => "early data attempted in second client hello",
        EarlyDataExtensionWithoutResumption => "early data extension without resumption",
        EarlyDataOfferedWithVariedCipherSuite => "early data offered with varied cipher suite",
        EchAcceptanceVariedAfterRetry => "ECH acceptance varied after retry",
        HandshakeHashVariedAfterRetry => "handshake hash varied after retry",
        IllegalHelloRetryRequestWithEmptyCookie => "illegal retry request with empty cookie",
        IllegalHelloRetryRequestWithNoChanges => "illegal retry request with no changes",
        IllegalHelloRetryRequestWithOfferedGroup => "illegal retry request with offered group",
        IllegalHelloRetryRequestWithUnofferedCipherSuite => "illegal retry request with unoffered cipher suite",
        IllegalHelloRetryRequestWithUnofferedNamedGroup => "illegal retry request with unoffered named group",
        IllegalHelloRetryRequestWithUnsupportedVersion => "illegal retry request with unsupported version",
        IllegalHelloRetryRequestWithWrongSessionId => "illegal retry request with wrong session ID",
        IllegalHelloRetryRequestWithInvalidEch => "illegal retry request with invalid ECH",
        IllegalMiddleboxChangeCipherSpec => "illegal middlebox change of ciphers",
        IllegalTlsInnerPlaintext => "illegal TLS inner plaintext",
        IncorrectBinder => "incorrect binder",
        InvalidCertCompression => "invalid certificate compression",
        InvalidMaxEarlyDataSize => "invalid maximum early data size",
        InvalidKeyShare => "invalid key share",
        KeyEpochWithPendingFragment => "key epoch with pending fragment",
        KeyUpdateReceivedInQuicConnection => "key update received in QUIC connection",
        MessageInterleavedWithHandshakeMessage => "message interleaved with handshake message",
        MissingBinderInPskExtension => "missing binder in PSK extension",
        MissingKeyShare => "missing key share",
        MissingPskExtensionInSecondClientHello => "missing PSK extension in second client hello",
        MissingPskModesExtension => "missing PSK modes extension",
        MissingQuicTransportParameters => "missing QUIC transport parameters",
        OfferedDuplicateCertificateCompressions => "offered duplicate certificate compressions",
        OfferedDuplicateKeyShares => "offered duplicate key shares",
        OfferedEarlyDataWithOldProtocolVersion => "offered early data with old protocol version",
        OfferedEmptyApplicationProtocol => "offered empty application protocol",
        OfferedIncorrectCompressions => "offered incorrect compressions",
        PskExtensionMustBeLast => "PSK extension must be last",
        PskExtensionWithMismatchedIdsAndBinders => "PSK extension with mismatched identities and binders",
        RefusedToFollowHelloRetryRequest => "refused to follow retry request",
        RejectedEarlyDataInterleavedWithHandshakeMessage => "rejected early data interleaved with handshake message",
        ResumptionAttemptedWithVariedEms => "resumption attempted with varied extended master secret",
        ResumptionOfferedWithVariedCipherSuite => "resumption offered with varied cipher suite",
        ResumptionOfferedWithVariedEms => "resumption offered with varied extended master secret",
        ResumptionOfferedWithIncompatibleCipherSuite => "resumption offered with incompatible cipher suite",
        SelectedDifferentCipherSuiteAfterRetry => "selected different cipher suite after retry",
        SelectedInvalidPsk => "selected invalid PSK",
        SelectedTls12UsingTls13VersionExtension => "selected TLS 1.2 using TLS 1.3 version extension",
        SelectedUnofferedApplicationProtocol => "selected unoffered application protocol",
        SelectedUnofferedCertCompression => "selected unoffered certificate compression",
        SelectedUnofferedCipherSuite => "selected unoffered cipher suite",
        SelectedUnofferedCompression => "selected unoffered compression",
        SelectedUnofferedKxGroup => "selected unoffered key exchange group",
        SelectedUnofferedPsk => "selected unoffered PSK",
        SelectedUnusableCipherSuiteForVersion => "selected unusable cipher suite for version",
        ServerEchoedCompatibilitySessionId => "server echoed compatibility session ID",
        ServerHelloMustOfferUncompressedEcPoints => "server hello must offer uncompressed elliptic curve points",
        ServerNameDifferedOnRetry => "server name differed on retry",
        ServerNameMustContainOneHostName => "server name must contain one host name",
        SignedKxWithWrongAlgorithm => "signed key exchange with wrong algorithm",
        SignedHandshakeWithUnadvertisedSigScheme => "signed handshake with unadvertised signature scheme",
        TooManyEmptyFragments => "too many empty fragments",
        TooManyKeyUpdateRequests => "too many key update requests",
        TooManyRenegotiationRequests => "too many renegotiation requests",
        TooManyWarningAlertsReceived => "too many warning alerts received",
        TooMuchEarlyDataReceived => "too much early data received",
        UnexpectedCleartextExtension => "unexpected cleartext extension",
        UnsolicitedCertExtension => "unsolicited certificate extension",
        UnsolicitedEncryptedExtension => "unsolicited encrypted extension",
        UnsolicitedSctList => "unsolicited SCT list",
        UnsolicitedServerHelloExtension => "unsolicited server hello extension",
        WrongGroupForKeyShare => "wrong group for key share",
        UnsolicitedEchExtension => "unsolicited ECH extension",
    }

    /// What is wrong with a message.
    fn of_message(InvalidMessage) {
        CertificatePayloadTooLarge => "certificate payload too large",
        HandshakePayloadTooLarge => "handshake payload too large",
        InvalidCcs => "invalid change of ciphers",
        InvalidContentType => "invalid content type",
        InvalidCertificateStatusType => "invalid certificate status type",
        InvalidCertRequest => "invalid certificate request",
        InvalidDhParams => "invalid Diffie-Hellman parameters",
        InvalidEmptyPayload => "invalid empty payload",
        InvalidKeyUpdate => "invalid key update",
        InvalidServerName => "invalid server name",
        MessageTooLarge => "message too large",
        MessageTooShort => "message too short",
        MissingData => "missing data",
        MissingKeyExchange => "missing key exchange",
        NoSignatureSchemes => "no signature schemes",
        TrailingData => "trailing data",
        UnexpectedMessage => "unexpected message",
        UnknownProtocolVersion => "unknown protocol version",
        UnsupportedCompression => "unsupported compression",
        UnsupportedCurveType => "unsupported curve type",
        UnsupportedKeyExchangeAlgorithm => "unsupported key exchange algorithm",
        EmptyTicketValue => "empty ticket value",
        IllegalEmptyList => "illegal empty list",
        IllegalEmptyValue => "illegal empty value",
        DuplicateExtension => "duplicate extension",
        PreSharedKeyIsNotFinalExtension => "pre-shared key is not the last extension",
        UnknownHelloRetryRequestExtension => "unknown retry request extension",
        UnknownCertificateExtension => "unknown certificate extension",
    }
}
