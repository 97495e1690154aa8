module Oracle
  module_function

  def consult(text)
    RubyLLM.chat(provider: :openrouter).say(text).content
  rescue Faraday::Error
    nil
  end
end
