"""The methods of synthesis: each fits codes and draws codes, and knows nothing of cells.

drawing          rows under conditions, for methods that have no way of their own
cart             one tree after the other, each column given those before it
gaussian_copula  the margins, and the correlations of normal scores
dp_marginals     noisy marginals, chosen and measured with differential privacy
sdv_models       CTGAN, TVAE, CopulaGAN and the copula of SDV
"""
