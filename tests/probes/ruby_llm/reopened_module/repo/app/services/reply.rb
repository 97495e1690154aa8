class Reply
  def call(words) = RubyLLM.chat(purpose: :support).in_mode(:short, strict: true).ask(words).content
end
