/*eslint-disable block-scoped-var, id-length, no-control-regex, no-magic-numbers, no-mixed-operators, no-prototype-builtins, no-redeclare, no-shadow, no-var, sort-vars, default-case, jsdoc/require-param*/
import $protobuf from "protobufjs/minimal.js";

// Common aliases
const $Reader = $protobuf.Reader, $Writer = $protobuf.Writer, $util = $protobuf.util;
const $Object = $util.global.Object, $undefined = $util.global.undefined, $Error = $util.global.Error, $RangeError = $util.global.RangeError;

// Exported root namespace
const $root = $protobuf.roots["default"] || ($protobuf.roots["default"] = {});

export const stubferry = $root.stubferry = (() => {

    /**
     * Namespace stubferry.
     * @exports stubferry
     * @namespace
     */
    const stubferry = {};

    stubferry.Begin = (function() {

        /**
         * Properties of a Begin.
         * @typedef {Object} stubferry.Begin.$Properties
         * @property {stubferry.Begin.Kind|null} [kind] Begin kind
         * @property {Uint8Array|null} [targetUuid] Begin targetUuid
         * @property {number|null} [targetDomid] Begin targetDomid
         * @property {string|null} [qemuVersion] Begin qemuVersion
         * @property {string|null} [machineType] Begin machineType
         * @property {string|null} [stubferryVersion] Begin stubferryVersion
         * @property {number|Long|null} [createdMs] Begin createdMs
         * @property {boolean|null} [sha256] Begin sha256
         * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
         */

        /**
         * Properties of a Begin.
         * @memberof stubferry
         * @interface IBegin
         * @augments stubferry.Begin.$Properties
         * @deprecated Use stubferry.Begin.$Properties instead.
         */

        /**
         * Shape of a Begin.
         * @typedef {stubferry.Begin.$Properties} stubferry.Begin.$Shape
         */

        /**
         * Constructs a new Begin.
         * @memberof stubferry
         * @classdesc Represents a Begin.
         * @constructor
         * @param {stubferry.Begin.$Properties=} [properties] Properties to set
         * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
         */
        const Begin = function (properties) {
            if (properties)
                for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                    if (properties[keys[i]] != null && keys[i] !== "__proto__")
                        this[keys[i]] = properties[keys[i]];
        };

        /**
         * Begin kind.
         * @member {stubferry.Begin.Kind} kind
         * @memberof stubferry.Begin
         * @instance
         */
        Begin.prototype.kind = 0;

        /**
         * Begin targetUuid.
         * @member {Uint8Array} targetUuid
         * @memberof stubferry.Begin
         * @instance
         */
        Begin.prototype.targetUuid = $util.newBuffer([]);

        /**
         * Begin targetDomid.
         * @member {number} targetDomid
         * @memberof stubferry.Begin
         * @instance
         */
        Begin.prototype.targetDomid = 0;

        /**
         * Begin qemuVersion.
         * @member {string} qemuVersion
         * @memberof stubferry.Begin
         * @instance
         */
        Begin.prototype.qemuVersion = "";

        /**
         * Begin machineType.
         * @member {string} machineType
         * @memberof stubferry.Begin
         * @instance
         */
        Begin.prototype.machineType = "";

        /**
         * Begin stubferryVersion.
         * @member {string} stubferryVersion
         * @memberof stubferry.Begin
         * @instance
         */
        Begin.prototype.stubferryVersion = "";

        /**
         * Begin createdMs.
         * @member {number|Long} createdMs
         * @memberof stubferry.Begin
         * @instance
         */
        Begin.prototype.createdMs = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

        /**
         * Begin sha256.
         * @member {boolean} sha256
         * @memberof stubferry.Begin
         * @instance
         */
        Begin.prototype.sha256 = false;

        /**
         * Encodes the specified Begin message. Does not implicitly {@link stubferry.Begin.verify|verify} messages.
         * @function encode
         * @memberof stubferry.Begin
         * @static
         * @param {stubferry.Begin.$Properties} message Begin message or plain object to encode
         * @param {$protobuf.Writer} [writer] Writer to encode to
         * @returns {$protobuf.Writer} Writer
         */
        Begin.encode = function (message, writer, _depth) {
            if (!writer)
                writer = $Writer.create();
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $util.recursionLimit)
                throw $Error("max depth exceeded");
            if (message.kind != null && $Object.hasOwnProperty.call(message, "kind") && message.kind !== 0)
                writer.uint32(/* id 1, wireType 0 =*/8).int32(message.kind);
            if (message.targetUuid != null && $Object.hasOwnProperty.call(message, "targetUuid") && message.targetUuid.length)
                writer.uint32(/* id 2, wireType 2 =*/18).bytes(message.targetUuid);
            if (message.targetDomid != null && $Object.hasOwnProperty.call(message, "targetDomid") && message.targetDomid !== 0)
                writer.uint32(/* id 3, wireType 0 =*/24).uint32(message.targetDomid);
            if (message.qemuVersion != null && $Object.hasOwnProperty.call(message, "qemuVersion") && message.qemuVersion !== "")
                writer.uint32(/* id 4, wireType 2 =*/34).string(message.qemuVersion);
            if (message.machineType != null && $Object.hasOwnProperty.call(message, "machineType") && message.machineType !== "")
                writer.uint32(/* id 5, wireType 2 =*/42).string(message.machineType);
            if (message.stubferryVersion != null && $Object.hasOwnProperty.call(message, "stubferryVersion") && message.stubferryVersion !== "")
                writer.uint32(/* id 6, wireType 2 =*/50).string(message.stubferryVersion);
            if (message.createdMs != null && $Object.hasOwnProperty.call(message, "createdMs") && (typeof message.createdMs === "object" ? message.createdMs.low || message.createdMs.high : message.createdMs !== 0))
                writer.uint32(/* id 7, wireType 0 =*/56).uint64(message.createdMs);
            if (message.sha256 != null && $Object.hasOwnProperty.call(message, "sha256") && message.sha256 !== false)
                writer.uint32(/* id 8, wireType 0 =*/64).bool(message.sha256);
            if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                for (let i = 0; i < message.$unknowns.length; ++i)
                    writer.raw(message.$unknowns[i]);
            return writer;
        };

        /**
         * Decodes a Begin message from the specified reader or buffer.
         * @function decode
         * @memberof stubferry.Begin
         * @static
         * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
         * @param {number} [length] Message length if known beforehand
         * @returns {stubferry.Begin & stubferry.Begin.$Shape} Begin
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        Begin.decode = function (reader, length, _end, _depth, _target) {
            if (!(reader instanceof $Reader))
                reader = $Reader.create(reader);
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $Reader.recursionLimit)
                throw $Error("max depth exceeded");
            let end, message, value;
            if (length === $undefined)
                end = reader.len;
            else {
                end = reader.pos + length;
                if (end > reader.len)
                    throw $RangeError("index out of range");
                length = reader.len;
                reader.len = end;
            }
            message = _target || new $root.stubferry.Begin();
            while (reader.pos < end) {
                let start = reader.pos;
                let tag = reader.tag();
                if (tag === _end) {
                    _end = $undefined;
                    break;
                }
                let wireType = tag & 7;
                switch (tag >>>= 3) {
                case 1: {
                        if (wireType !== 0)
                            break;
                        if (value = reader.int32())
                            message.kind = value;
                        else
                            delete message.kind;
                        continue;
                    }
                case 2: {
                        if (wireType !== 2)
                            break;
                        if ((value = reader.bytes()).length)
                            message.targetUuid = value;
                        else
                            delete message.targetUuid;
                        continue;
                    }
                case 3: {
                        if (wireType !== 0)
                            break;
                        if (value = reader.uint32())
                            message.targetDomid = value;
                        else
                            delete message.targetDomid;
                        continue;
                    }
                case 4: {
                        if (wireType !== 2)
                            break;
                        if ((value = reader.stringVerify()).length)
                            message.qemuVersion = value;
                        else
                            delete message.qemuVersion;
                        continue;
                    }
                case 5: {
                        if (wireType !== 2)
                            break;
                        if ((value = reader.stringVerify()).length)
                            message.machineType = value;
                        else
                            delete message.machineType;
                        continue;
                    }
                case 6: {
                        if (wireType !== 2)
                            break;
                        if ((value = reader.stringVerify()).length)
                            message.stubferryVersion = value;
                        else
                            delete message.stubferryVersion;
                        continue;
                    }
                case 7: {
                        if (wireType !== 0)
                            break;
                        if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                            message.createdMs = value;
                        else
                            delete message.createdMs;
                        continue;
                    }
                case 8: {
                        if (wireType !== 0)
                            break;
                        if (value = reader.bool())
                            message.sha256 = value;
                        else
                            delete message.sha256;
                        continue;
                    }
                }
                reader.skipType(wireType, _depth, tag);
                if (!reader.discardUnknown) {
                    $util.makeProp(message, "$unknowns", false);
                    (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                }
            }
            if (length !== $undefined) {
                if (reader.pos !== end)
                    throw $RangeError("index out of range");
                reader.len = length;
            }
            if (_end !== $undefined)
                throw $Error("missing end group");
            return message;
        };

        /**
         * Kind enum.
         * @name stubferry.Begin.Kind
         * @enum {number}
         * @property {number} KIND_UNSPECIFIED=0 KIND_UNSPECIFIED value
         * @property {number} KIND_DEVICE_STATE=1 KIND_DEVICE_STATE value
         * @property {number} KIND_MIGRATION_STREAM=2 KIND_MIGRATION_STREAM value
         * @property {number} KIND_OPAQUE=3 KIND_OPAQUE value
         */
        Begin.Kind = (function() {
            const valuesById = $Object.create(null), values = $Object.create(valuesById);
            values[valuesById[0] = "KIND_UNSPECIFIED"] = 0;
            values[valuesById[1] = "KIND_DEVICE_STATE"] = 1;
            values[valuesById[2] = "KIND_MIGRATION_STREAM"] = 2;
            values[valuesById[3] = "KIND_OPAQUE"] = 3;
            return values;
        })();

        return Begin;
    })();

    stubferry.End = (function() {

        /**
         * Properties of an End.
         * @typedef {Object} stubferry.End.$Properties
         * @property {number|Long|null} [stateBytes] End stateBytes
         * @property {number|Long|null} [dataFrames] End dataFrames
         * @property {Uint8Array|null} [chain] End chain
         * @property {Uint8Array|null} [xxh64] End xxh64
         * @property {Uint8Array|null} [sha256] End sha256
         * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
         */

        /**
         * Properties of an End.
         * @memberof stubferry
         * @interface IEnd
         * @augments stubferry.End.$Properties
         * @deprecated Use stubferry.End.$Properties instead.
         */

        /**
         * Shape of an End.
         * @typedef {stubferry.End.$Properties} stubferry.End.$Shape
         */

        /**
         * Constructs a new End.
         * @memberof stubferry
         * @classdesc Represents an End.
         * @constructor
         * @param {stubferry.End.$Properties=} [properties] Properties to set
         * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
         */
        const End = function (properties) {
            if (properties)
                for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                    if (properties[keys[i]] != null && keys[i] !== "__proto__")
                        this[keys[i]] = properties[keys[i]];
        };

        /**
         * End stateBytes.
         * @member {number|Long} stateBytes
         * @memberof stubferry.End
         * @instance
         */
        End.prototype.stateBytes = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

        /**
         * End dataFrames.
         * @member {number|Long} dataFrames
         * @memberof stubferry.End
         * @instance
         */
        End.prototype.dataFrames = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

        /**
         * End chain.
         * @member {Uint8Array} chain
         * @memberof stubferry.End
         * @instance
         */
        End.prototype.chain = $util.newBuffer([]);

        /**
         * End xxh64.
         * @member {Uint8Array} xxh64
         * @memberof stubferry.End
         * @instance
         */
        End.prototype.xxh64 = $util.newBuffer([]);

        /**
         * End sha256.
         * @member {Uint8Array} sha256
         * @memberof stubferry.End
         * @instance
         */
        End.prototype.sha256 = $util.newBuffer([]);

        /**
         * Encodes the specified End message. Does not implicitly {@link stubferry.End.verify|verify} messages.
         * @function encode
         * @memberof stubferry.End
         * @static
         * @param {stubferry.End.$Properties} message End message or plain object to encode
         * @param {$protobuf.Writer} [writer] Writer to encode to
         * @returns {$protobuf.Writer} Writer
         */
        End.encode = function (message, writer, _depth) {
            if (!writer)
                writer = $Writer.create();
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $util.recursionLimit)
                throw $Error("max depth exceeded");
            if (message.stateBytes != null && $Object.hasOwnProperty.call(message, "stateBytes") && (typeof message.stateBytes === "object" ? message.stateBytes.low || message.stateBytes.high : message.stateBytes !== 0))
                writer.uint32(/* id 1, wireType 0 =*/8).uint64(message.stateBytes);
            if (message.dataFrames != null && $Object.hasOwnProperty.call(message, "dataFrames") && (typeof message.dataFrames === "object" ? message.dataFrames.low || message.dataFrames.high : message.dataFrames !== 0))
                writer.uint32(/* id 2, wireType 0 =*/16).uint64(message.dataFrames);
            if (message.chain != null && $Object.hasOwnProperty.call(message, "chain") && message.chain.length)
                writer.uint32(/* id 3, wireType 2 =*/26).bytes(message.chain);
            if (message.xxh64 != null && $Object.hasOwnProperty.call(message, "xxh64") && message.xxh64.length)
                writer.uint32(/* id 4, wireType 2 =*/34).bytes(message.xxh64);
            if (message.sha256 != null && $Object.hasOwnProperty.call(message, "sha256") && message.sha256.length)
                writer.uint32(/* id 5, wireType 2 =*/42).bytes(message.sha256);
            if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                for (let i = 0; i < message.$unknowns.length; ++i)
                    writer.raw(message.$unknowns[i]);
            return writer;
        };

        /**
         * Decodes an End message from the specified reader or buffer.
         * @function decode
         * @memberof stubferry.End
         * @static
         * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
         * @param {number} [length] Message length if known beforehand
         * @returns {stubferry.End & stubferry.End.$Shape} End
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        End.decode = function (reader, length, _end, _depth, _target) {
            if (!(reader instanceof $Reader))
                reader = $Reader.create(reader);
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $Reader.recursionLimit)
                throw $Error("max depth exceeded");
            let end, message, value;
            if (length === $undefined)
                end = reader.len;
            else {
                end = reader.pos + length;
                if (end > reader.len)
                    throw $RangeError("index out of range");
                length = reader.len;
                reader.len = end;
            }
            message = _target || new $root.stubferry.End();
            while (reader.pos < end) {
                let start = reader.pos;
                let tag = reader.tag();
                if (tag === _end) {
                    _end = $undefined;
                    break;
                }
                let wireType = tag & 7;
                switch (tag >>>= 3) {
                case 1: {
                        if (wireType !== 0)
                            break;
                        if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                            message.stateBytes = value;
                        else
                            delete message.stateBytes;
                        continue;
                    }
                case 2: {
                        if (wireType !== 0)
                            break;
                        if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                            message.dataFrames = value;
                        else
                            delete message.dataFrames;
                        continue;
                    }
                case 3: {
                        if (wireType !== 2)
                            break;
                        if ((value = reader.bytes()).length)
                            message.chain = value;
                        else
                            delete message.chain;
                        continue;
                    }
                case 4: {
                        if (wireType !== 2)
                            break;
                        if ((value = reader.bytes()).length)
                            message.xxh64 = value;
                        else
                            delete message.xxh64;
                        continue;
                    }
                case 5: {
                        if (wireType !== 2)
                            break;
                        if ((value = reader.bytes()).length)
                            message.sha256 = value;
                        else
                            delete message.sha256;
                        continue;
                    }
                }
                reader.skipType(wireType, _depth, tag);
                if (!reader.discardUnknown) {
                    $util.makeProp(message, "$unknowns", false);
                    (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                }
            }
            if (length !== $undefined) {
                if (reader.pos !== end)
                    throw $RangeError("index out of range");
                reader.len = length;
            }
            if (_end !== $undefined)
                throw $Error("missing end group");
            return message;
        };

        return End;
    })();

    stubferry.Index = (function() {

        /**
         * Properties of an Index.
         * @typedef {Object} stubferry.Index.$Properties
         * @property {number|null} [entries] Index entries
         * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
         */

        /**
         * Properties of an Index.
         * @memberof stubferry
         * @interface IIndex
         * @augments stubferry.Index.$Properties
         * @deprecated Use stubferry.Index.$Properties instead.
         */

        /**
         * Shape of an Index.
         * @typedef {stubferry.Index.$Properties} stubferry.Index.$Shape
         */

        /**
         * Constructs a new Index.
         * @memberof stubferry
         * @classdesc Represents an Index.
         * @constructor
         * @param {stubferry.Index.$Properties=} [properties] Properties to set
         * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
         */
        const Index = function (properties) {
            if (properties)
                for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                    if (properties[keys[i]] != null && keys[i] !== "__proto__")
                        this[keys[i]] = properties[keys[i]];
        };

        /**
         * Index entries.
         * @member {number} entries
         * @memberof stubferry.Index
         * @instance
         */
        Index.prototype.entries = 0;

        /**
         * Encodes the specified Index message. Does not implicitly {@link stubferry.Index.verify|verify} messages.
         * @function encode
         * @memberof stubferry.Index
         * @static
         * @param {stubferry.Index.$Properties} message Index message or plain object to encode
         * @param {$protobuf.Writer} [writer] Writer to encode to
         * @returns {$protobuf.Writer} Writer
         */
        Index.encode = function (message, writer, _depth) {
            if (!writer)
                writer = $Writer.create();
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $util.recursionLimit)
                throw $Error("max depth exceeded");
            if (message.entries != null && $Object.hasOwnProperty.call(message, "entries") && message.entries !== 0)
                writer.uint32(/* id 1, wireType 0 =*/8).uint32(message.entries);
            if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                for (let i = 0; i < message.$unknowns.length; ++i)
                    writer.raw(message.$unknowns[i]);
            return writer;
        };

        /**
         * Decodes an Index message from the specified reader or buffer.
         * @function decode
         * @memberof stubferry.Index
         * @static
         * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
         * @param {number} [length] Message length if known beforehand
         * @returns {stubferry.Index & stubferry.Index.$Shape} Index
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        Index.decode = function (reader, length, _end, _depth, _target) {
            if (!(reader instanceof $Reader))
                reader = $Reader.create(reader);
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $Reader.recursionLimit)
                throw $Error("max depth exceeded");
            let end, message, value;
            if (length === $undefined)
                end = reader.len;
            else {
                end = reader.pos + length;
                if (end > reader.len)
                    throw $RangeError("index out of range");
                length = reader.len;
                reader.len = end;
            }
            message = _target || new $root.stubferry.Index();
            while (reader.pos < end) {
                let start = reader.pos;
                let tag = reader.tag();
                if (tag === _end) {
                    _end = $undefined;
                    break;
                }
                let wireType = tag & 7;
                switch (tag >>>= 3) {
                case 1: {
                        if (wireType !== 0)
                            break;
                        if (value = reader.uint32())
                            message.entries = value;
                        else
                            delete message.entries;
                        continue;
                    }
                }
                reader.skipType(wireType, _depth, tag);
                if (!reader.discardUnknown) {
                    $util.makeProp(message, "$unknowns", false);
                    (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                }
            }
            if (length !== $undefined) {
                if (reader.pos !== end)
                    throw $RangeError("index out of range");
                reader.len = length;
            }
            if (_end !== $undefined)
                throw $Error("missing end group");
            return message;
        };

        return Index;
    })();

    stubferry.Trailer = (function() {

        /**
         * Properties of a Trailer.
         * @typedef {Object} stubferry.Trailer.$Properties
         * @property {number|Long|null} [endOffset] Trailer endOffset
         * @property {number|Long|null} [indexOffset] Trailer indexOffset
         * @property {number|Long|null} [fileBytes] Trailer fileBytes
         * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
         */

        /**
         * Properties of a Trailer.
         * @memberof stubferry
         * @interface ITrailer
         * @augments stubferry.Trailer.$Properties
         * @deprecated Use stubferry.Trailer.$Properties instead.
         */

        /**
         * Shape of a Trailer.
         * @typedef {stubferry.Trailer.$Properties} stubferry.Trailer.$Shape
         */

        /**
         * Constructs a new Trailer.
         * @memberof stubferry
         * @classdesc Represents a Trailer.
         * @constructor
         * @param {stubferry.Trailer.$Properties=} [properties] Properties to set
         * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
         */
        const Trailer = function (properties) {
            if (properties)
                for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                    if (properties[keys[i]] != null && keys[i] !== "__proto__")
                        this[keys[i]] = properties[keys[i]];
        };

        /**
         * Trailer endOffset.
         * @member {number|Long} endOffset
         * @memberof stubferry.Trailer
         * @instance
         */
        Trailer.prototype.endOffset = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

        /**
         * Trailer indexOffset.
         * @member {number|Long} indexOffset
         * @memberof stubferry.Trailer
         * @instance
         */
        Trailer.prototype.indexOffset = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

        /**
         * Trailer fileBytes.
         * @member {number|Long} fileBytes
         * @memberof stubferry.Trailer
         * @instance
         */
        Trailer.prototype.fileBytes = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

        /**
         * Encodes the specified Trailer message. Does not implicitly {@link stubferry.Trailer.verify|verify} messages.
         * @function encode
         * @memberof stubferry.Trailer
         * @static
         * @param {stubferry.Trailer.$Properties} message Trailer message or plain object to encode
         * @param {$protobuf.Writer} [writer] Writer to encode to
         * @returns {$protobuf.Writer} Writer
         */
        Trailer.encode = function (message, writer, _depth) {
            if (!writer)
                writer = $Writer.create();
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $util.recursionLimit)
                throw $Error("max depth exceeded");
            if (message.endOffset != null && $Object.hasOwnProperty.call(message, "endOffset") && (typeof message.endOffset === "object" ? message.endOffset.low || message.endOffset.high : message.endOffset !== 0))
                writer.uint32(/* id 1, wireType 0 =*/8).uint64(message.endOffset);
            if (message.indexOffset != null && $Object.hasOwnProperty.call(message, "indexOffset") && (typeof message.indexOffset === "object" ? message.indexOffset.low || message.indexOffset.high : message.indexOffset !== 0))
                writer.uint32(/* id 2, wireType 0 =*/16).uint64(message.indexOffset);
            if (message.fileBytes != null && $Object.hasOwnProperty.call(message, "fileBytes") && (typeof message.fileBytes === "object" ? message.fileBytes.low || message.fileBytes.high : message.fileBytes !== 0))
                writer.uint32(/* id 3, wireType 0 =*/24).uint64(message.fileBytes);
            if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                for (let i = 0; i < message.$unknowns.length; ++i)
                    writer.raw(message.$unknowns[i]);
            return writer;
        };

        /**
         * Decodes a Trailer message from the specified reader or buffer.
         * @function decode
         * @memberof stubferry.Trailer
         * @static
         * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
         * @param {number} [length] Message length if known beforehand
         * @returns {stubferry.Trailer & stubferry.Trailer.$Shape} Trailer
         * @throws {Error} If the payload is not a reader or valid buffer
         * @throws {$protobuf.util.ProtocolError} If required fields are missing
         */
        Trailer.decode = function (reader, length, _end, _depth, _target) {
            if (!(reader instanceof $Reader))
                reader = $Reader.create(reader);
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $Reader.recursionLimit)
                throw $Error("max depth exceeded");
            let end, message, value;
            if (length === $undefined)
                end = reader.len;
            else {
                end = reader.pos + length;
                if (end > reader.len)
                    throw $RangeError("index out of range");
                length = reader.len;
                reader.len = end;
            }
            message = _target || new $root.stubferry.Trailer();
            while (reader.pos < end) {
                let start = reader.pos;
                let tag = reader.tag();
                if (tag === _end) {
                    _end = $undefined;
                    break;
                }
                let wireType = tag & 7;
                switch (tag >>>= 3) {
                case 1: {
                        if (wireType !== 0)
                            break;
                        if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                            message.endOffset = value;
                        else
                            delete message.endOffset;
                        continue;
                    }
                case 2: {
                        if (wireType !== 0)
                            break;
                        if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                            message.indexOffset = value;
                        else
                            delete message.indexOffset;
                        continue;
                    }
                case 3: {
                        if (wireType !== 0)
                            break;
                        if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                            message.fileBytes = value;
                        else
                            delete message.fileBytes;
                        continue;
                    }
                }
                reader.skipType(wireType, _depth, tag);
                if (!reader.discardUnknown) {
                    $util.makeProp(message, "$unknowns", false);
                    (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                }
            }
            if (length !== $undefined) {
                if (reader.pos !== end)
                    throw $RangeError("index out of range");
                reader.len = length;
            }
            if (_end !== $undefined)
                throw $Error("missing end group");
            return message;
        };

        return Trailer;
    })();

    return stubferry;
})();

export {
  $root as default
};
