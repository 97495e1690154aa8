# anthropic/claude-sonnet-4 would be better
class Llm
  KEY_NAME = "OPENROUTER_API_KEY_FILE"
  MODEL = "openai/gpt-4o"

  def ask(text)
    OpenAI::Client.new(access_token: Rails.application.credentials.key).chat(parameters: { model: MODEL })
  end
end
