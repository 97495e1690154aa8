Mime::Type.register "text/vnd.turbo-stream.html", :turbo_stream

RubyLLM.configure do |config|
  config.openrouter_api_key = ENV["OPENROUTER_API_KEY"]
  config.default_model = "anthropic/claude-sonnet-4.6"
end
