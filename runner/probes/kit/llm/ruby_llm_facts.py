"""What a manifest cannot tell of the ruby_llm gem: the types that methods return and yield, and the words
that every Ruby object answers in a Rails application.

A line of the types reads `Receiver#method {what its block gets} -> what it returns` (`self`: the receiver).
Which methods there are, and how they may be called, is never said here: that is the manifest's.
"""

from __future__ import annotations

import re

DELEGATES = {"Agent": "Chat", "Context": "RubyLLM"}

_TYPES = """
RubyLLM#embed -> Embedding
RubyLLM#moderate -> Moderation
RubyLLM#paint -> Image
RubyLLM#transcribe -> Transcription
RubyLLM#context {Configuration} -> Context
RubyLLM#models -> Models
RubyLLM#configure {Configuration}
RubyLLM#config -> Configuration
Chat#messages -> Messages
Chat#ask {Chunk} -> Message
Chat#say {Chunk} -> Message
Chat#complete {Chunk} -> Message
Chat#add_message -> Message
Chat#on_new_message -> self
Chat#on_end_message {Message} -> self
Chat#on_tool_call -> self
Chat#on_tool_result -> self
Chat#before_message -> self
Chat#after_message {Message} -> self
Chat#before_tool_call -> self
Chat#after_tool_result -> self
Chat#each {Message}
Chat#generate -> Message
Agent#chat -> Chat
Agent#messages -> Messages
Agent#ask {Chunk} -> Message
Agent#say {Chunk} -> Message
Agent#complete {Chunk} -> Message
Agent#add_message -> Message
Agent#on_new_message -> self
Agent#on_end_message {Message} -> self
Agent#on_tool_call -> self
Agent#on_tool_result -> self
Agent#before_message -> self
Agent#after_message {Message} -> self
Agent#before_tool_call -> self
Agent#after_tool_result -> self
Agent#each {Message}
Record#ask {Chunk} -> Message
Record#say {Chunk} -> Message
Record#complete {Chunk} -> Message
Record#to_llm -> Chat
Agent.class#chat -> Chat
Agent.class#create -> Record
Agent.class#create! -> Record
Agent.class#find -> Record
Context#chat -> Chat
Context#embed -> Embedding
Context#paint -> Image
Context#config -> Configuration
"""
_LINE = re.compile(r"(?P<method>\S+)(?: \{(?P<yields>\w+)\})?(?: -> (?P<returns>\w+))?")

TYPES: dict[str, tuple[str | None, str | None]] = {
    match["method"]: (match["yields"], match["returns"])
    for match in map(_LINE.fullmatch, _TYPES.split("\n"))
    if match
}

OBJECT = """
acts_like? as_json blank? class clone deep_dup define_singleton_method display dup enum_for eql? equal?
extend freeze frozen? hash in? inspect instance_eval instance_exec instance_of? instance_values
instance_variable_defined? instance_variable_get instance_variable_names instance_variable_set
instance_variables is_a? itself kind_of? method methods nil? object_id presence presence_in present?
private_methods protected_methods public_method public_methods public_send remove_instance_variable
respond_to? send singleton_class singleton_method singleton_methods tap then to_enum to_json to_param
to_query to_s try try! with with_options yield_self ! != == === =~ !~ <=> __id__ __send__ require_dependency
html_safe? stub stubs expects unstub pretty_inspect
"""
ENUMERABLE = """
all? any? chain chunk chunk_while collect collect_concat compact compact_blank count cycle detect drop
drop_while each_cons each_entry each_slice each_with_index each_with_object entries exclude? excluding
filter filter_map find find_all find_index first flat_map grep grep_v group_by in_order_of include?
including index_by index_with inject lazy many? map max max_by maximum member? min min_by minimum minmax
minmax_by none? one? partition pick pluck reduce reject reverse_each select slice_after slice_before
slice_when sole sort sort_by sum take take_while tally to_a to_h to_set uniq without zip
"""
CLASS_BODY = """
private public protected private_class_method public_class_method private_constant public_constant attr_reader
attr_writer attr_accessor attr include extend prepend alias_method define_method undef_method remove_method
remove_const delegate delegate_missing_to class_attribute mattr_accessor mattr_reader mattr_writer
cattr_accessor cattr_reader cattr_writer thread_mattr_accessor thread_cattr_accessor concerning autoload
require require_relative require_dependency load puts print p pp raise warn lambda proc binding block_given?
freeze using refine module_function ruby2_keywords deprecate attr_internal redefine_method
silence_redefinition config_accessor format sprintf rand sleep catch loop Array
Integer Float String Hash Rational gem
"""
MODULE_OBJECT = """
ancestors attr_accessor autoload class_eval class_exec const_defined? const_get const_missing const_set
constants define_method extend include include? included_modules instance_method instance_methods
method_defined? module_eval module_exec name prepend private_constant public_instance_methods remove_method
send alias_method any_instance allocate superclass new delegate mattr_accessor module_parent descendants
subclasses
"""
