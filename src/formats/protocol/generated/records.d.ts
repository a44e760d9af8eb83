import * as $protobuf from "protobufjs/minimal.js";
import Long = require("long");

/** Namespace stubferry. */
export namespace stubferry {

    /**
     * Properties of a Begin.
     * @deprecated Use stubferry.Begin.$Properties instead.
     */
    interface IBegin extends stubferry.Begin.$Properties {
    }

    /** Represents a Begin. */
    class Begin {

        /**
         * Constructs a new Begin.
         * @param [properties] Properties to set
         */
        constructor(properties?: stubferry.Begin.$Properties);

        /** Unknown fields preserved while decoding when enabled */
        $unknowns?: Uint8Array[];

        /** Begin kind. */
        kind: stubferry.Begin.Kind;

        /** Begin targetUuid. */
        targetUuid: Uint8Array;

        /** Begin targetDomid. */
        targetDomid: number;

        /** Begin qemuVersion. */
        qemuVersion: string;

        /** Begin machineType. */
        machineType: string;

        /** Begin stubferryVersion. */
        stubferryVersion: string;

        /** Begin createdMs. */
        createdMs: (number|Long);

        /** Begin sha256. */
        sha256: boolean;

        /**
         * Encodes the specified Begin message. Does not implicitly {@link stubferry.Begin.verify|verify} messages.
         * @param message Begin message or plain object to encode
         * @param [writer] Writer to encode to
         * @returns Writer
         */
        static encode(message: stubferry.Begin.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

        /**
         * Decodes a Begin message from the specified reader or buffer.
         * @param reader Reader or buffer to decode from
         * @param [length] Message length if known beforehand
         * @returns {stubferry.Begin & stubferry.Begin.$Shape} Begin
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): stubferry.Begin & stubferry.Begin.$Shape;
    }

    namespace Begin {

        /** Properties of a Begin. */
        interface $Properties {

            /** Begin kind */
            kind?: (stubferry.Begin.Kind|null);

            /** Begin targetUuid */
            targetUuid?: (Uint8Array|null);

            /** Begin targetDomid */
            targetDomid?: (number|null);

            /** Begin qemuVersion */
            qemuVersion?: (string|null);

            /** Begin machineType */
            machineType?: (string|null);

            /** Begin stubferryVersion */
            stubferryVersion?: (string|null);

            /** Begin createdMs */
            createdMs?: (number|Long|null);

            /** Begin sha256 */
            sha256?: (boolean|null);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];
        }

        /** Shape of a Begin. */
        type $Shape = stubferry.Begin.$Properties;

        /** Kind enum. */
        enum Kind {

            /** KIND_UNSPECIFIED value */
            KIND_UNSPECIFIED = 0,

            /** KIND_DEVICE_STATE value */
            KIND_DEVICE_STATE = 1,

            /** KIND_MIGRATION_STREAM value */
            KIND_MIGRATION_STREAM = 2,

            /** KIND_OPAQUE value */
            KIND_OPAQUE = 3
        }
    }

    /**
     * Properties of an End.
     * @deprecated Use stubferry.End.$Properties instead.
     */
    interface IEnd extends stubferry.End.$Properties {
    }

    /** Represents an End. */
    class End {

        /**
         * Constructs a new End.
         * @param [properties] Properties to set
         */
        constructor(properties?: stubferry.End.$Properties);

        /** Unknown fields preserved while decoding when enabled */
        $unknowns?: Uint8Array[];

        /** End stateBytes. */
        stateBytes: (number|Long);

        /** End dataFrames. */
        dataFrames: (number|Long);

        /** End chain. */
        chain: Uint8Array;

        /** End xxh64. */
        xxh64: Uint8Array;

        /** End sha256. */
        sha256: Uint8Array;

        /**
         * Encodes the specified End message. Does not implicitly {@link stubferry.End.verify|verify} messages.
         * @param message End message or plain object to encode
         * @param [writer] Writer to encode to
         * @returns Writer
         */
        static encode(message: stubferry.End.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

        /**
         * Decodes an End message from the specified reader or buffer.
         * @param reader Reader or buffer to decode from
         * @param [length] Message length if known beforehand
         * @returns {stubferry.End & stubferry.End.$Shape} End
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): stubferry.End & stubferry.End.$Shape;
    }

    namespace End {

        /** Properties of an End. */
        interface $Properties {

            /** End stateBytes */
            stateBytes?: (number|Long|null);

            /** End dataFrames */
            dataFrames?: (number|Long|null);

            /** End chain */
            chain?: (Uint8Array|null);

            /** End xxh64 */
            xxh64?: (Uint8Array|null);

            /** End sha256 */
            sha256?: (Uint8Array|null);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];
        }

        /** Shape of an End. */
        type $Shape = stubferry.End.$Properties;
    }

    /**
     * Properties of an Index.
     * @deprecated Use stubferry.Index.$Properties instead.
     */
    interface IIndex extends stubferry.Index.$Properties {
    }

    /** Represents an Index. */
    class Index {

        /**
         * Constructs a new Index.
         * @param [properties] Properties to set
         */
        constructor(properties?: stubferry.Index.$Properties);

        /** Unknown fields preserved while decoding when enabled */
        $unknowns?: Uint8Array[];

        /** Index entries. */
        entries: number;

        /**
         * Encodes the specified Index message. Does not implicitly {@link stubferry.Index.verify|verify} messages.
         * @param message Index message or plain object to encode
         * @param [writer] Writer to encode to
         * @returns Writer
         */
        static encode(message: stubferry.Index.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

        /**
         * Decodes an Index message from the specified reader or buffer.
         * @param reader Reader or buffer to decode from
         * @param [length] Message length if known beforehand
         * @returns {stubferry.Index & stubferry.Index.$Shape} Index
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): stubferry.Index & stubferry.Index.$Shape;
    }

    namespace Index {

        /** Properties of an Index. */
        interface $Properties {

            /** Index entries */
            entries?: (number|null);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];
        }

        /** Shape of an Index. */
        type $Shape = stubferry.Index.$Properties;
    }

    /**
     * Properties of a Trailer.
     * @deprecated Use stubferry.Trailer.$Properties instead.
     */
    interface ITrailer extends stubferry.Trailer.$Properties {
    }

    /** Represents a Trailer. */
    class Trailer {

        /**
         * Constructs a new Trailer.
         * @param [properties] Properties to set
         */
        constructor(properties?: stubferry.Trailer.$Properties);

        /** Unknown fields preserved while decoding when enabled */
        $unknowns?: Uint8Array[];

        /** Trailer endOffset. */
        endOffset: (number|Long);

        /** Trailer indexOffset. */
        indexOffset: (number|Long);

        /** Trailer fileBytes. */
        fileBytes: (number|Long);

        /**
         * Encodes the specified Trailer message. Does not implicitly {@link stubferry.Trailer.verify|verify} messages.
         * @param message Trailer message or plain object to encode
         * @param [writer] Writer to encode to
         * @returns Writer
         */
        static encode(message: stubferry.Trailer.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

        /**
         * Decodes a Trailer message from the specified reader or buffer.
         * @param reader Reader or buffer to decode from
         * @param [length] Message length if known beforehand
         * @returns {stubferry.Trailer & stubferry.Trailer.$Shape} Trailer
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): stubferry.Trailer & stubferry.Trailer.$Shape;
    }

    namespace Trailer {

        /** Properties of a Trailer. */
        interface $Properties {

            /** Trailer endOffset */
            endOffset?: (number|Long|null);

            /** Trailer indexOffset */
            indexOffset?: (number|Long|null);

            /** Trailer fileBytes */
            fileBytes?: (number|Long|null);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];
        }

        /** Shape of a Trailer. */
        type $Shape = stubferry.Trailer.$Properties;
    }
}
