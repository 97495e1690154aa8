class Ask
  def self.configured? = ENV["OPENROUTER_API_KEY"].present?

  def call(text) = RubyLLM.chat.ask(text).content
end
