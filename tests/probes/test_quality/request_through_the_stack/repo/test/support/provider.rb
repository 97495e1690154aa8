module Provider
  def provider_says(text, status: 200)
    stub_request(:post, %r{openrouter}).to_return(status: status, body: text)
  end
end
