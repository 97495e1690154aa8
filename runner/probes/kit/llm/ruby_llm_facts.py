"""What the ruby_llm gem offers, as data: methods with signatures by receiver, constants, errors, options.

A line of a table reads `name(parameters) {Kind} -> Kind @since`: parameters as Ruby writes them (none: it
takes no argument; `...`: anything), what it yields, what it returns (`self`: the receiver) and the release
that brought it. A method whose parameters lack `&` ignores a block. Source: the gem's code, 1.14.1, 1.16.0.
"""

_MODULE = """
chat(model: nil, provider: nil, assume_model_exists: false, context: nil) -> Chat
embed(text, model: nil, provider: nil, assume_model_exists: false, context: nil, dimensions: nil) -> Embedding
moderate(input, model: nil, provider: nil, assume_model_exists: false, context: nil) -> Moderation @1.8
paint(prompt, model: nil, provider: nil, assume_model_exists: false, size: nil, context: nil, **) -> Image
transcribe(audio_file, **) -> Transcription @1.9
context(&) {Configuration} -> Context
models -> Models
providers
configure(&) {Configuration}
config -> Configuration
logger
deprecator @1.16
instrument(...) @1.16
workflow(...) @2.0
batch(...) @2.0
speak(...) @2.0
rerank(...) @2.0
ocr(...) @2.0
upload(...) @2.0
cache(...) @2.0
animate(...) @2.0
render_prompt(...) @2.0
count_tokens(...) @2.0
"""

_CHAT = """
model
messages -> Messages
tools
tool_prefs
params
headers
schema
concurrency @1.16
ask(message = nil, with: nil, &) {Chunk} -> Message
say(message = nil, with: nil, &) {Chunk} -> Message
complete(&) {Chunk} -> Message
add_message(message_or_attributes) -> Message
with_instructions(instructions, append: false, replace: nil) -> self
with_tool(tool, choice: nil, calls: nil, concurrency: nil) -> self
with_tools(*tools, replace: false, choice: nil, calls: nil, concurrency: nil) -> self
with_model(model_id, provider: nil, assume_exists: false) -> self
with_temperature(temperature) -> self
with_thinking(effort: nil, budget: nil) -> self @1.10
with_context(context) -> self
with_params(**params) -> self
with_headers(**headers) -> self
with_schema(schema) -> self
on_new_message(&) -> self
on_end_message(&) {Message} -> self
on_tool_call(&) -> self
on_tool_result(&) -> self
before_message(&) -> self @1.15
after_message(&) {Message} -> self @1.15
before_tool_call(&) -> self @1.15
after_tool_result(&) -> self @1.15
each(&) {Message}
reset_messages!
cost @1.15
messages=(messages) @2.0
with_provider_options(...) -> self @2.0
with_max_output_tokens(...) -> self @2.0
with_server_tools(...) -> self @2.0
with_tool_options(...) -> self @2.0
with_fallbacks(...) -> self @2.0
with_caching(...) -> self @2.0
with_citations(...) -> self @2.0
generate(...) -> Message @2.0
step(...) @2.0
ask_later(...) @2.0
run_tools(...) @2.0
cancel! @2.0
count_tokens(...) @2.0
"""

_MESSAGE = """
role
content
content=(value)
model_id
tool_calls
tool_call_id
raw
thinking
tokens
tool_call?
tool_result?
tool_results
input_tokens
output_tokens
cached_tokens
cache_creation_tokens
thinking_tokens
reasoning_tokens
to_h
cache_read_tokens @1.15
cache_write_tokens @1.15
cost(model: nil) @1.15
model_info @1.15
parsed @2.0
finish_reason @2.0
stopped? @2.0
"""

_RECORD = """
ask(message = nil, with: nil, &) {Chunk} -> Message
say(message = nil, with: nil, &) {Chunk} -> Message
complete(...) {Chunk} -> Message
with_instructions(instructions, append: false, replace: nil) -> self
with_runtime_instructions(instructions, append: false, replace: nil) -> self
with_tool(...) -> self
with_tools(...) -> self
with_model(model_name, provider: nil, assume_exists: false) -> self
with_temperature(...) -> self
with_thinking(...) -> self
with_params(...) -> self
with_headers(...) -> self
with_schema(...) -> self
to_llm -> Chat
"""

_AGENT = """
chat -> Chat
model
messages -> Messages
tools
params
headers
schema
ask(message = nil, with: nil, &) {Chunk} -> Message
say(message = nil, with: nil, &) {Chunk} -> Message
complete(&) {Chunk} -> Message
add_message(message_or_attributes) -> Message
with_tool(tool, choice: nil, calls: nil, concurrency: nil) -> self
with_tools(*tools, replace: false, choice: nil, calls: nil, concurrency: nil) -> self
with_model(model_id, provider: nil, assume_exists: false) -> self
with_temperature(temperature) -> self
with_thinking(effort: nil, budget: nil) -> self @1.10
with_context(context) -> self
with_params(**params) -> self
with_headers(**headers) -> self
with_schema(schema) -> self
on_new_message(&) -> self
on_end_message(&) {Message} -> self
on_tool_call(&) -> self
on_tool_result(&) -> self
before_message(&) -> self @1.15
after_message(&) {Message} -> self @1.15
before_tool_call(&) -> self @1.15
after_tool_result(&) -> self @1.15
each(&) {Message}
reset_messages!
cost @1.15
"""

_AGENT_CLASS = """
chat_kwargs
new(chat: nil, inputs: nil, persist_instructions: true, **) -> Agent
chat(**) -> Chat
create(**) -> Record
create!(**) -> Record
find(id, **) -> Record
sync_instructions!(...)
render_prompt(...)
model(...)
tools(...)
instructions(...)
temperature(...)
thinking(...)
params(...)
headers(...)
schema(...)
context(...)
chat_model(...)
inputs(...)
"""

_CONTEXT = """
chat(...) -> Chat
embed(...) -> Embedding
paint(...) -> Image
config -> Configuration
connection_for(...)
"""

_EMBEDDING = """
vectors
model
input_tokens
"""

_IMAGE = """
url
data
mime_type
revised_prompt
model_id
base64?
to_blob
save(path)
usage
tokens
cost(...)
"""

_MODERATION = """
id
model
results
content
flagged?
flagged_categories
category_scores
categories
"""

_TRANSCRIPTION = """
text
model
language
duration
segments
words
input_tokens
output_tokens
"""

_CONTENT = """
text
attachments
add_attachment(source, filename: nil)
format
to_h
empty? @1.16
"""

TABLES: dict[str, str] = {
    "RubyLLM": _MODULE,
    "Chat": _CHAT,
    "Chat.class": "new(model: nil, provider: nil, assume_model_exists: false, context: nil) -> Chat",
    "Message": _MESSAGE,
    "Chunk": _MESSAGE,
    "Message.class": "new(...) -> Message",
    "Agent": _AGENT,
    "Record": _RECORD,
    "Agent.class": _AGENT_CLASS,
    "Context": _CONTEXT,
    "Embedding": _EMBEDDING,
    "Image": _IMAGE,
    "Moderation": _MODERATION,
    "Transcription": _TRANSCRIPTION,
    "Content": _CONTENT,
    "Content.class": "new(text = nil, attachments = nil) -> Content",
}

OPTIONS = """
default_model default_embedding_model default_moderation_model default_image_model
default_transcription_model model_registry_file model_registry_class use_new_acts_as request_timeout
max_retries retry_interval retry_backoff_factor retry_interval_randomness http_proxy logger log_file
log_level log_stream_debug log_regexp_timeout anthropic_api_key anthropic_api_base azure_api_base
azure_api_key azure_ai_auth_token bedrock_api_key bedrock_secret_key bedrock_region bedrock_session_token
bedrock_api_base deepseek_api_key deepseek_api_base gemini_api_key gemini_api_base gpustack_api_key
gpustack_api_base mistral_api_key mistral_api_base ollama_api_key ollama_api_base openai_api_key
openai_api_base openai_organization_id openai_project_id openai_use_system_role openrouter_api_key
perplexity_api_key perplexity_api_base vertexai_project_id vertexai_location vertexai_service_account_key
xai_api_key xai_api_base openrouter_api_base@1.13 vertexai_api_base@1.16 model_registry_source@1.16
tool_concurrency@1.16 instrumenter@1.16 deprecation_behavior@1.16 faraday_adapter@1.16
"""

CONSTANTS = """
Agent@1.12 Aliases Attachment Chat Chunk Configuration Connection Content Context Embedding Image Message
MimeType Model Models Moderation@1.8 Parameter Provider Providers StreamAccumulator Streaming Thinking@1.10
Tokens Tool ToolCall Transcription@1.9 Utils VERSION ActiveRecord Schema Railtie Helpers Generators
ErrorMiddleware Cost@1.15 Deprecator@1.16 DeprecationError@1.16 Instrumentation@1.16 ModelRegistry@1.16
ToolConcurrency@1.16
"""

PROVIDERS = """
Anthropic Azure Bedrock DeepSeek Gemini GPUStack Mistral Ollama OpenAI OpenRouter Perplexity VertexAI XAI
"""
ERRORS = """
Error BadRequestError ForbiddenError ContextLengthExceededError OverloadedError PaymentRequiredError
RateLimitError ServerError ServiceUnavailableError UnauthorizedError
"""
OTHER_ERRORS = """
ConfigurationError PromptNotFoundError InvalidRoleError InvalidToolChoiceError ModelNotFoundError
UnsupportedAttachmentError
"""

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
MODULE_OBJECT = """
ancestors attr_accessor autoload class_eval class_exec const_defined? const_get const_missing const_set
constants define_method extend include include? included_modules instance_method instance_methods
method_defined? module_eval module_exec name prepend private_constant public_instance_methods remove_method
send alias_method any_instance allocate superclass new delegate mattr_accessor module_parent descendants
subclasses
"""
